"""How long the program takes and how much memory it needs, how both grow, and what other tools need for the same problems.

python -m tests.benchmarks [--full] [--parts sizes,scaling,pypsa,linopy] [--write]
"""
