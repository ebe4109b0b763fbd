"""What a feedback changes: what a model read in it, held to the words of the user."""
