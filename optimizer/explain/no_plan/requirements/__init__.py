"""What a case requires, requirement by requirement, with the rows that say it."""
