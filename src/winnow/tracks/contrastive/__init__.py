"""The track `contrastive`: retrieval and zero-shot classification by a tuned model."""
