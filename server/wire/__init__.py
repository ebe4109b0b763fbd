"""The wire formats. A form is one generation's request and response of one component."""
