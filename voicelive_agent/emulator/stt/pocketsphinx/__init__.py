"""Speech to text by pocketsphinx, in processes of its own."""
