"""The hourly subproblem: one hour, a site's hours, hours that are linked."""
