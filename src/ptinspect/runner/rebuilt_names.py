"""What may be rebuilt without a pickle: classes, functions and old attributes, each by its full name.

Nothing here is a prefix or a pattern. A class stands on the list because all that its instances hold is plain values, tensors and
other modules, and because its code is the library's own. Left out: the lazy ones, which finish themselves by hooks, and the
quantized ones, whose weights are packed.
"""

from __future__ import annotations

_CLASSES = {
    "torch.nn.modules.activation": "Threshold ReLU RReLU Hardtanh ReLU6 Sigmoid Hardsigmoid Tanh SiLU Mish Hardswish ELU CELU SELU GLU GELU"
    " Hardshrink LeakyReLU LogSigmoid Softplus Softshrink MultiheadAttention PReLU Softsign Tanhshrink Softmin Softmax Softmax2d"
    " LogSoftmax",
    "torch.nn.modules.adaptive": "AdaptiveLogSoftmaxWithLoss",
    "torch.nn.modules.batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "torch.nn.modules.channelshuffle": "ChannelShuffle",
    "torch.nn.modules.container": "Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "torch.nn.modules.conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "torch.nn.modules.distance": "PairwiseDistance CosineSimilarity",
    "torch.nn.modules.dropout": "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout",
    "torch.nn.modules.flatten": "Flatten Unflatten",
    "torch.nn.modules.fold": "Fold Unfold",
    "torch.nn.modules.instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "torch.nn.modules.linear": "Identity Linear NonDynamicallyQuantizableLinear Bilinear",
    "torch.nn.modules.loss": "L1Loss NLLLoss NLLLoss2d PoissonNLLLoss GaussianNLLLoss KLDivLoss MSELoss BCELoss BCEWithLogitsLoss"
    " HingeEmbeddingLoss MultiLabelMarginLoss SmoothL1Loss HuberLoss SoftMarginLoss CrossEntropyLoss MultiLabelSoftMarginLoss"
    " CosineEmbeddingLoss MarginRankingLoss MultiMarginLoss TripletMarginLoss CTCLoss",
    "torch.nn.modules.module": "Module",
    "torch.nn.modules.normalization": "LocalResponseNorm CrossMapLRN2d LayerNorm GroupNorm RMSNorm",
    "torch.nn.modules.padding": "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d"
    " ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d",
    "torch.nn.modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "torch.nn.modules.pooling": "MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d AvgPool1d AvgPool2d AvgPool3d"
    " FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d"
    " AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
    "torch.nn.modules.rnn": "RNN LSTM GRU RNNCell LSTMCell GRUCell",
    "torch.nn.modules.sparse": "Embedding EmbeddingBag",
    "torch.nn.modules.transformer": "Transformer TransformerEncoder TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer",
    "torch.nn.modules.upsampling": "Upsample UpsamplingNearest2d UpsamplingBilinear2d",
    "torchvision.models._utils": "IntermediateLayerGetter",
    "torchvision.models.alexnet": "AlexNet",
    "torchvision.models.convnext": "LayerNorm2d CNBlock ConvNeXt",
    "torchvision.models.densenet": "_DenseLayer _DenseBlock _Transition DenseNet",
    "torchvision.models.detection.anchor_utils": "AnchorGenerator DefaultBoxGenerator",
    "torchvision.models.detection.backbone_utils": "BackboneWithFPN",
    "torchvision.models.detection.faster_rcnn": "FasterRCNN TwoMLPHead FastRCNNConvFCHead FastRCNNPredictor",
    "torchvision.models.detection.fcos": "FCOSHead FCOSClassificationHead FCOSRegressionHead FCOS",
    "torchvision.models.detection.generalized_rcnn": "GeneralizedRCNN",
    "torchvision.models.detection.keypoint_rcnn": "KeypointRCNN KeypointRCNNHeads KeypointRCNNPredictor",
    "torchvision.models.detection.mask_rcnn": "MaskRCNN MaskRCNNHeads MaskRCNNPredictor",
    "torchvision.models.detection.retinanet": "RetinaNetHead RetinaNetClassificationHead RetinaNetRegressionHead RetinaNet",
    "torchvision.models.detection.roi_heads": "RoIHeads",
    "torchvision.models.detection.rpn": "RPNHead RegionProposalNetwork",
    "torchvision.models.detection.ssd": "SSDHead SSDScoringHead SSDClassificationHead SSDRegressionHead SSD SSDFeatureExtractorVGG",
    "torchvision.models.detection.ssdlite": "SSDLiteHead SSDLiteClassificationHead SSDLiteRegressionHead SSDLiteFeatureExtractorMobileNet",
    "torchvision.models.detection.transform": "GeneralizedRCNNTransform",
    "torchvision.models.efficientnet": "MBConv FusedMBConv EfficientNet",
    "torchvision.models.googlenet": "GoogLeNet Inception InceptionAux BasicConv2d",
    "torchvision.models.inception": "Inception3 InceptionA InceptionB InceptionC InceptionD InceptionE InceptionAux BasicConv2d",
    "torchvision.models.maxvit": "MBConv RelativePositionalMultiHeadAttention SwapAxes WindowPartition WindowDepartition"
    " PartitionAttentionLayer MaxVitLayer MaxVitBlock MaxVit",
    "torchvision.models.mnasnet": "_InvertedResidual MNASNet",
    "torchvision.models.mobilenetv2": "InvertedResidual MobileNetV2",
    "torchvision.models.mobilenetv3": "InvertedResidual MobileNetV3",
    "torchvision.models.optical_flow.raft": "ResidualBlock BottleneckBlock FeatureEncoder MotionEncoder ConvGRU RecurrentBlock FlowHead"
    " UpdateBlock MaskPredictor CorrBlock RAFT",
    "torchvision.models.regnet": "SimpleStemIN BottleneckTransform ResBottleneckBlock AnyStage RegNet",
    "torchvision.models.resnet": "BasicBlock Bottleneck ResNet",
    "torchvision.models.segmentation._utils": "_SimpleSegmentationModel",
    "torchvision.models.segmentation.deeplabv3": "DeepLabV3 DeepLabHead ASPPConv ASPPPooling ASPP",
    "torchvision.models.segmentation.fcn": "FCN FCNHead",
    "torchvision.models.segmentation.lraspp": "LRASPP LRASPPHead",
    "torchvision.models.shufflenetv2": "InvertedResidual ShuffleNetV2",
    "torchvision.models.squeezenet": "Fire SqueezeNet",
    "torchvision.models.swin_transformer": "PatchMerging PatchMergingV2 ShiftedWindowAttention ShiftedWindowAttentionV2"
    " SwinTransformerBlock SwinTransformerBlockV2 SwinTransformer",
    "torchvision.models.vgg": "VGG",
    "torchvision.models.video.mvit": "Pool MultiscaleAttention MultiscaleBlock PositionalEncoding MViT",
    "torchvision.models.video.resnet": "Conv3DSimple Conv2Plus1D Conv3DNoTemporal BasicBlock Bottleneck BasicStem R2Plus1dStem VideoResNet",
    "torchvision.models.video.s3d": "TemporalSeparableConv SepInceptionBlock3D S3D",
    "torchvision.models.video.swin_transformer": "ShiftedWindowAttention3d PatchEmbed3d SwinTransformer3d",
    "torchvision.models.vision_transformer": "MLPBlock EncoderBlock Encoder VisionTransformer",
    "torchvision.ops.deform_conv": "DeformConv2d",
    "torchvision.ops.drop_block": "DropBlock2d DropBlock3d",
    "torchvision.ops.feature_pyramid_network": "FeaturePyramidNetwork LastLevelMaxPool LastLevelP6P7",
    "torchvision.ops.misc": "FrozenBatchNorm2d ConvNormActivation Conv2dNormActivation Conv3dNormActivation SqueezeExcitation MLP Permute",
    "torchvision.ops.poolers": "MultiScaleRoIAlign",
    "torchvision.ops.ps_roi_align": "PSRoIAlign",
    "torchvision.ops.ps_roi_pool": "PSRoIPool",
    "torchvision.ops.roi_align": "RoIAlign",
    "torchvision.ops.roi_pool": "RoIPool",
    "torchvision.ops.stochastic_depth": "StochasticDepth",
}
_BOXES = "torchvision.models.detection._utils"

MODULES = {f"{module}.{name}": (module, name) for module, names in _CLASSES.items() for name in names.split()}
"""Every class that may be rebuilt, and where its library keeps it."""

_OBJECTS = "BoxCoder BoxLinearCoder Matcher SSDMatcher BalancedPositiveNegativeSampler"

OBJECTS = {f"{_BOXES}.{name}": (_BOXES, name) for name in _OBJECTS.split()}
"""What a detector holds that is no module: a few numbers each."""

MOVED = {
    "torch.nn.modules.linear._LinearWithBias": "torch.nn.modules.linear.NonDynamicallyQuantizableLinear",
    "torchvision.models.mobilenet.MobileNetV2": "torchvision.models.mobilenetv2.MobileNetV2",
    "torchvision.models.mobilenet.InvertedResidual": "torchvision.models.mobilenetv2.InvertedResidual",
    "torchvision.models.mobilenet.ConvBNReLU": "torchvision.ops.misc.Conv2dNormActivation",
    "torchvision.models.mobilenetv2.ConvBNReLU": "torchvision.ops.misc.Conv2dNormActivation",
    "torchvision.models.mobilenetv2.ConvBNActivation": "torchvision.ops.misc.Conv2dNormActivation",
}
"""Classes under the name that they had, with the same state."""

WRAPPERS = {
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.optim.swa_utils.AveragedModel": "module",
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
}
"""What stands around a model while it is trained, and under which name the model is in it. The model alone is rebuilt."""

_ACTIVATIONS = frozenset(
    "torch.nn.functional.relu torch.nn.functional.gelu torch._C._nn.gelu torch._C._VariableFunctionsClass.relu"
    " torch.nn.functional.silu torch.nn.functional.leaky_relu torch.nn.functional.elu torch.nn.functional.mish".split()
)
_BOX_IOU = frozenset({"torchvision.ops.boxes.box_iou"})

FUNCTIONS = {
    "torch.nn.modules.transformer.TransformerEncoderLayer.activation": _ACTIVATIONS,
    "torch.nn.modules.transformer.TransformerDecoderLayer.activation": _ACTIVATIONS,
    "torchvision.models.detection.rpn.RegionProposalNetwork.box_similarity": _BOX_IOU,
    "torchvision.models.detection.roi_heads.RoIHeads.box_similarity": _BOX_IOU,
    "torchvision.models.optical_flow.raft.RecurrentBlock.convgru2": frozenset({"torchvision.models.optical_flow.raft._pass_through_h"}),
}
"""Where a class of the library keeps a function in an attribute, and which it may be."""

MAKERS = frozenset({"torchvision.models.resnet.ResNet._norm_layer", "torchvision.models.vision_transformer.VisionTransformer.norm_layer"})
"""Attributes that hold a class, for the constructor alone. They are looked at and left out."""

LEFT_OUT = {
    "ReLU": "threshold value",
    "ReLU6": "min_value max_value",
    "RNN": "dropout_state _data_ptrs _param_buf_size",
    "LSTM": "dropout_state _data_ptrs _param_buf_size",
    "GRU": "dropout_state _data_ptrs _param_buf_size",
    "LayerNorm": "affine",
    "Conv1d": "_padding_repeated_twice",
    "Conv2d": "_padding_repeated_twice stddev",
    "Conv3d": "_padding_repeated_twice",
    "Linear": "stddev",
    "BasicConv2d": "stddev",
}
"""What instances of these classes held under other versions of their library, or hold for nothing; nobody reads it, and it is not set."""

__all__ = ["FUNCTIONS", "LEFT_OUT", "MAKERS", "MODULES", "MOVED", "OBJECTS", "WRAPPERS"]
