"""LightningModules that come with the tool; short, because people copy them."""

from search.models.autoencoder import LitAutoEncoder
from search.models.classifier import LitClassifier
from search.models.vae import LitVAE

__all__ = ["LitAutoEncoder", "LitClassifier", "LitVAE"]
