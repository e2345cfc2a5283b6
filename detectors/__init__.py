"""Detector packs: one YAML file a tool, and the canonical infrastructure types in `resources/`."""
