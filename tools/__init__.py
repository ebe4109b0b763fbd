"""Programs for the operator."""
