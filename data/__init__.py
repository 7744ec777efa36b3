"""LightningDataModules that come with the tool."""

from search.data.digits import Digits
from search.data.torchvision_images import CIFAR10, MNIST, FashionMNIST

__all__ = ["CIFAR10", "MNIST", "Digits", "FashionMNIST"]
