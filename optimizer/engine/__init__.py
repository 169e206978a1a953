"""One solve: the master problem, its warm start, its verification, the solution."""
