"""Event dispatch, context, runners and sizing."""
