"""What a feedback changes: grounding in the words of the user, the plan of changes."""
