"""The mathematics of wattfolio: arrays and Pyomo in, arrays and Pyomo out. No YAML, no units, no files, no printing."""
