"""Cases, data files and rules as nobody would write them, or as somebody might. A quick part runs with the tests; `python -m tests.fuzz`
runs as many as asked for."""
