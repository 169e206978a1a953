"""The second set of books: a plan's figures by rule, without the program."""
