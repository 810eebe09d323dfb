"""Text normalization: written forms as they are said, by one table for each language."""
