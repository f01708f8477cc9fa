"""Backbones pretrained on ImageNet, as chains of stages with accessible feature maps."""
