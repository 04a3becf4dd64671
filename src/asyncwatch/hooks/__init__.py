"""Hooks observe: they patch, sample and tap, and turn what they see into events. They judge nothing."""
