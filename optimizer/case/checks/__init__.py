"""What a case must obey beyond its schema."""
