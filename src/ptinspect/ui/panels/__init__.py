"""What a window is made of; each panel draws one view of `session.views`."""
