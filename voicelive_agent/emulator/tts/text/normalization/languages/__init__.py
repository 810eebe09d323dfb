"""Languages: a table of written forms for each, and what its regions write otherwise."""
