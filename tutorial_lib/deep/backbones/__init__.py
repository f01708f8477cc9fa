"""Networks that know ImageNet, as chains of stages whose feature maps can be read."""
