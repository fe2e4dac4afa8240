"""Training: contrastive fine-tuning on subsets, and the foundry of the stand-ins."""
