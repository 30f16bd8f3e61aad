"""Drawing: colours, annotated frames, figures."""
