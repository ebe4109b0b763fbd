"""One file per component: a builder that wires nodes into its machine."""
