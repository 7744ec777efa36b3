"""Makes the loaders when it is imported."""

from nets import points
from options import opt
from torch.utils.data import DataLoader

train_loader = DataLoader(points(), batch_size=opt.batch_size, shuffle=True)
val_loader = DataLoader(points(), batch_size=opt.batch_size)
