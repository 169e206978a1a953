"""Names that stay: `optimizer.baseline`, `.prices`, `.hourly` and `.report` lead from here to wherever these things live.

`optimizer` looks for its modules in this folder too. README shows these names, so that what programs import does not move when a room does.
"""
