"""Punctuation of speech: the marks that end sentences and clauses, where a voice pauses.

A wide mark is as broad as a sign of Chinese or Japanese, and no space follows it.
"""

SENTENCE_ENDS = ".!?…؟۔।॥։"
CLAUSE_ENDS = ",;:،؛"
WIDE_SENTENCE_ENDS = "。！？．｡"
WIDE_CLAUSE_ENDS = "，、；：､"
EN_DASH = "–"
LONG_DASHES = "—―"
"""They part clauses without a space around them; an en dash only with one."""
CLOSERS = "\"'”’»›)]}」』）】》〉"
"""What may follow a mark and belong to the same sentence."""
