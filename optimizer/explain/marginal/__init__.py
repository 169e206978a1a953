"""What one more unit of something scarce is worth."""
