"""The same agent on four frameworks; ``model_client`` says where its model is."""
