"""The one chat model: what is sent, how it is read, retried and timed."""
