internal import Tensors

/// x + conv(silu(norm(conv(silu(norm(x))) + time))) (`ResnetBlock2D`, diffusers 0.42.1, `models/resnet.py`).
struct ResnetBlock {
    let norm1: Normalization
    let conv1: Convolution
    let norm2: Normalization
    let conv2: Convolution
    /// 1×1, where the numbers of channels differ.
    let shortcut: Linear?
    let groups: Int

    init(_ loader: LayerLoader, _ inChannels: Int, _ outChannels: Int, groups: Int, epsilon: Float) throws {
        norm1 = try loader.normalization("norm1", inChannels, epsilon: epsilon)
        conv1 = try loader.convolution("conv1", inChannels, outChannels)
        norm2 = try loader.normalization("norm2", outChannels, epsilon: epsilon)
        conv2 = try loader.convolution("conv2", outChannels, outChannels)
        shortcut = inChannels == outChannels ? nil : try loader.linear("conv_shortcut", inChannels, outChannels)
        self.groups = groups
    }

    /// - Parameters:
    ///   - x: `[batch, height, width, in]`
    ///   - time: what the timestep adds to each channel between the convolutions, `[n][out]`: one for the whole batch, or
    ///     one for each of n equal parts of it; empty for nothing.
    func callAsFunction(_ x: Tensor, time: [[Float]] = [], _ compute: Compute) throws -> Tensor {
        var hidden = try compute.groupNorm(x, norm1, groups: groups, silu: true)
        hidden = try compute.convolution(hidden, conv1, channelShift: time.count == 1 ? time[0] : nil)
        hidden = try compute.groupNorm(
            hidden, norm2, groups: groups, silu: true, adding: time.count == 1 ? [] : time)
        let residual = try shortcut.map { try compute.linear(x, $0) } ?? x
        return try compute.convolution(hidden, conv2, adding: consume residual)
    }
}
