"""The tabs of the playground."""
