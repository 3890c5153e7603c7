internal import Tensors

/// A small autoencoder that stands in for a large one (TAESD, https://github.com/madebyollin/taesd at 2a1b414, `taesd.py`;
/// `AutoencoderTiny`, diffusers 0.42.1): convolutions and blocks of three of them, without norms and without chance. The
/// form of Flux 2's latents adds a normalised branch to some blocks, which diffusers does not have.
///
/// The layers are told by their tensors: a block has `conv.0`; of the plain convolutions those without a bias change the
/// size, in the encoder by their stride, in the decoder after pixels were doubled.
struct TinyAutoencoder: PictureAutoencoder {
    let latentChannels: Int
    let scaleFactor: Int
    let latentNormalization: LatentNormalization
    let givesDistribution = false
    private let encoder: [Layer]
    private let decoder: [Layer]
    private let widest: Int

    /// More would make a picture pixel of nothing: TAESD has 3.
    private static let maximumResizes = 6

    private enum Layer {
        case convolution(Convolution)
        case resize(Convolution)
        case block(Block)
    }

    private struct Block {
        let convolutions: [Convolution]
        /// 1×1, where the numbers of channels differ.
        let skip: Linear?
        let pool: (widen: Linear, norm: Normalization, narrow: Linear)?

        init(_ loader: LayerLoader, _ inChannels: Int, _ outChannels: Int) throws {
            convolutions = try [0, 2, 4].map {
                try loader.convolution("conv.\($0)", $0 == 0 ? inChannels : outChannels, outChannels)
            }
            skip = inChannels == outChannels ? nil : try loader.linear("skip", inChannels, outChannels, bias: false)
            pool =
                loader.has("pool.0.weight")
                ? (
                    try loader.linear("pool.0", inChannels, 4 * inChannels, bias: false),
                    try loader.normalization("pool.1", 4 * inChannels, epsilon: 1e-5),
                    try loader.linear("pool.3", 4 * inChannels, inChannels, bias: false)
                ) : nil
        }

        func callAsFunction(_ x: Tensor, _ compute: Compute) throws -> Tensor {
            var x = x
            if let pool {
                let wide = try compute.groupNorm(
                    try compute.linear(x, pool.widen), pool.norm, groups: 4, silu: false)
                x = try compute.linear(try compute.activate(wide, .relu), pool.narrow, adding: x)
            }
            var hidden = try compute.activate(try compute.convolution(x, convolutions[0]), .relu)
            hidden = try compute.activate(try compute.convolution(hidden, convolutions[1]), .relu)
            let residual = try skip.map { try compute.linear(x, $0) } ?? x
            hidden = try compute.convolution(hidden, convolutions[2], adding: residual)
            return try compute.activate(hidden, .relu)
        }
    }

    /// - Parameters:
    ///   - encoder: the encoder's layers, numbered from 0.
    ///   - decoder: the decoder's, numbered from `decoderStart`.
    /// - Throws: `WeightError` where a tensor is missing or the layers do not fit each other.
    init(
        encoder: LayerLoader, decoder: LayerLoader, decoderStart: Int,
        latentNormalization: LatentNormalization = LatentNormalization()
    ) throws {
        let down = try Self.layers(encoder, from: 0, inChannels: 3, stride: 2)
        guard !down.hasGaps else {
            throw WeightError.badTensor(
                file: encoder.source.file, tensor: encoder.prefix + "0.weight",
                reason: "begins an encoder of another form than TAESD's eightfold one")
        }
        let up = try Self.layers(decoder, from: decoderStart, inChannels: down.channels, stride: 1)
        self.encoder = down.layers
        self.decoder = up.layers
        latentChannels = down.channels
        scaleFactor = 1 << down.resizes
        self.latentNormalization = latentNormalization
        widest = max(down.widest, up.widest)
        guard up.channels == 3, up.resizes == down.resizes else {
            throw WeightError.badTensor(
                file: decoder.source.file, tensor: decoder.prefix + "\(decoderStart).weight",
                reason: "begins a decoder that gives \(up.channels) channels at \(1 << up.resizes) times the size, "
                    + "expected 3 at \(scaleFactor) times")
        }
    }

    private static func layers(
        _ loader: LayerLoader, from start: Int, inChannels: Int, stride: Int
    ) throws -> (layers: [Layer], channels: Int, resizes: Int, widest: Int, hasGaps: Bool) {
        let numbers = Set(
            loader.source.allNames.lazy.filter { $0.hasPrefix(loader.prefix) }
                .compactMap { $0.dropFirst(loader.prefix.count).prefix { $0 != "." }.layerNumber }
        ).sorted()
        var layers: [Layer] = []
        var (channels, widest, resizes) = (inChannels, 0, 0)
        for number in numbers.isEmpty ? [start] : numbers where number >= start {
            let scope = loader.scoped("\(number)")
            if let weights = loader.source.tensor("\(scope.prefix)conv.0.weight"), let out = weights.shape.first {
                layers.append(.block(try Block(scope, channels, out)))
                channels = out
            } else {
                let out = loader.source.tensor("\(scope.prefix)weight")?.shape.first ?? channels
                let weights = try scope.tensor("weight", shape: [out, channels, 3, 3])
                let isResize = !scope.has("bias")
                let convolution = Convolution(
                    weights: weights, bias: isResize ? nil : try scope.tensor("bias", shape: [out]),
                    stride: isResize ? stride : 1, padding: (1, 1))
                layers.append(isResize ? .resize(convolution) : .convolution(convolution))
                if isResize { resizes += 1 }
                channels = out
            }
            widest = max(widest, channels)
        }
        guard resizes <= maximumResizes else {
            throw WeightError.badTensor(
                file: loader.source.file, tensor: loader.prefix + "\(start).weight",
                reason: "begins \(resizes) changes of the size by 2, expected at most \(maximumResizes)")
        }
        return (layers, channels, resizes, widest, numbers.last.map { $0 - start + 1 != numbers.count } ?? false)
    }

    func activationBytes(elementSize: Int) -> Int { 3 * elementSize * widest }

    func encode(_ pictures: Tensor, _ compute: Compute) throws -> Tensor {
        // Its pictures are 0…1, and so is what pads them.
        var x = try compute.tensor(compute.floats(pictures).map { $0 / 2 + 0.5 }, shape: pictures.shape)
        for layer in encoder {
            switch layer {
            case .convolution(let convolution), .resize(let convolution): x = try compute.convolution(x, convolution)
            case .block(let block): x = try block(x, compute)
            }
        }
        return x
    }

    func decode(_ latents: Tensor, _ compute: Compute) throws -> Tensor {
        var x = try compute.tensor(compute.floats(latents).map(Self.softClamped), shape: latents.shape)
        for (index, layer) in decoder.enumerated() {
            switch layer {
            case .convolution(let convolution):
                x = try compute.convolution(x, convolution)
                if index == 0 { x = try compute.activate(x, .relu) }
            case .resize(let convolution):
                x = try compute.resizeNearest(x, height: 2 * x.shape[1], width: 2 * x.shape[2])
                x = try compute.convolution(x, convolution)
            case .block(let block): x = try block(x, compute)
            }
        }
        return try compute.tensor(compute.floats(x).map { 2 * $0 - 1 }, shape: x.shape)
    }

    /// 3 tanh(x / 3).
    private static func softClamped(_ x: Float) -> Float {
        // tanh y = (e^2y − 1) / (e^2y + 1); from 10 on it is 1.
        let power = Scalar.expm1(2 * min(max(x / 3, -10), 10))
        return 3 * power / (power + 2)
    }
}
