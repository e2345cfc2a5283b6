"""Rules: one YAML file a framework, and the vocabulary of capabilities."""
