"""What is read off a solution: tables, frames, a short text."""
