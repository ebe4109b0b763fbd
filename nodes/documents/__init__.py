"""A document taken out of an answer, and never overwritten by a part of itself."""
