"""What an answer says: final answers read, compared and counted."""
