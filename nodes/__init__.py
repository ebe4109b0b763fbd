"""The steps of the machines, the model client, and the prompts beside their step."""
