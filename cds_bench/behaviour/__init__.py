"""Behaviour policies: trained with PPO, frozen as safetensors, rolled out with numpy alone."""
