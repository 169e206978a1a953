"""What a planner writes: from YAML to the arrays of the mathematics."""
