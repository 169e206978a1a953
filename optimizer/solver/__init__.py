"""Linear programs: compiled from Pyomo, solved by HiGHS, proved without it."""
