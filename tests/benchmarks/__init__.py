"""How long the program takes and how much memory it needs, and the same problems solved in one piece for comparison.

python -m tests.benchmarks [--sizes small,large] [--rivals] [--out DIR]
"""
