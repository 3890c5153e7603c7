internal import Tensors

/// Makes layers of the tensors below one prefix, checking every shape.
struct LayerLoader {
    let source: any WeightSource
    /// The network that the layers are of, such as `unet`: packed weights are known by it and their names in it.
    let part: String
    let prefix: String
    /// Of the convolutions and linear layers made here.
    let arithmetic: ProductArithmetic

    init(_ source: any WeightSource, part: String, prefix: String = "", arithmetic: ProductArithmetic = .likeTensors) {
        self.source = source
        self.part = part
        self.prefix = prefix
        self.arithmetic = arithmetic
    }

    func scoped(_ name: String) -> LayerLoader {
        LayerLoader(source, part: part, prefix: prefix + name + ".", arithmetic: arithmetic)
    }

    func with(_ arithmetic: ProductArithmetic) -> LayerLoader {
        LayerLoader(source, part: part, prefix: prefix, arithmetic: arithmetic)
    }

    func has(_ name: String) -> Bool { source.has(prefix + name) }

    func tensor(_ name: String, shape: [Int]) throws -> WeightTensor {
        try source.tensor(prefix + name, shape: shape).renamed("\(part)/\(prefix)\(name)")
    }

    func convolution(
        _ name: String, _ inChannels: Int, _ outChannels: Int, kernel: Int = 3, stride: Int = 1,
        padding: (begin: Int, end: Int)? = nil
    ) throws -> Convolution {
        Convolution(
            weights: try tensor(name + ".weight", shape: [outChannels, inChannels, kernel, kernel]),
            bias: try tensor(name + ".bias", shape: [outChannels]), stride: stride,
            padding: padding ?? (kernel / 2, kernel / 2), arithmetic: arithmetic)
    }

    /// A linear layer, also where the file calls it a 1×1 convolution. `parts`: names of layers that share the input.
    func linear(_ parts: [String], _ inChannels: Int, _ outChannels: Int, bias: Bool = true) throws -> Linear {
        Linear(
            try parts.map { name in
                let isConvolution = source.tensor(prefix + name + ".weight")?.shape.count == 4
                let shape = [outChannels, inChannels] + (isConvolution ? [1, 1] : [])
                return (
                    weights: try tensor(name + ".weight", shape: shape),
                    bias: bias ? try tensor(name + ".bias", shape: [outChannels]) : nil
                )
            }, arithmetic: arithmetic)
    }

    func linear(_ name: String, _ inChannels: Int, _ outChannels: Int, bias: Bool = true) throws -> Linear {
        try linear([name], inChannels, outChannels, bias: bias)
    }

    func normalization(_ name: String, _ channels: Int, epsilon: Float) throws -> Normalization {
        Normalization(
            scale: try tensor(name + ".weight", shape: [channels]),
            shift: try tensor(name + ".bias", shape: [channels]),
            epsilon: epsilon)
    }
}
