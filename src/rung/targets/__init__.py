"""Targets: what is scanned, behind one small interface (`target.Target`)."""
