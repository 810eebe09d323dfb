"""Earlier turns: what was heard of them, which are told, and one that is asked for again."""
