/// What a network made on its way of one input, as far as another input needs it that differs from the first inside a
/// region only (Li et al. 2022, "Efficient Spatially Sparse Inference for Conditional GANs and Diffusion Models",
/// arXiv:2211.02048, whose blocks are one rectangle here).
///
/// `Compute.recording` makes it, `Compute.following` uses it: there every feature map is the region's window only. Its
/// outermost ring, whose neighbours are missing, takes the known values after each convolution; GroupNorm adds the known
/// sums of what lies outside the window; attention sees the known keys and values outside it. So what is left out is what
/// a changed region does to the rest of the picture.
///
/// The layers ask in the order in which they run: both runs must be of the same network and take the same way through it.
public final class KnownActivations {
    public let region: MapRegion
    var entries: [Entry] = []
    /// Where the map lies that was computed last.
    var place: Place

    /// A map's size, and the window of it that the region needs.
    struct Place: Equatable {
        let height: Int
        let width: Int
        let window: MapWindow
    }

    enum Entry {
        /// A convolution's result, the window of it; for one that takes every other pixel also the part of its input
        /// that the window needs.
        case convolution(result: Tensor, input: (part: Tensor, window: MapWindow)?, Place)
        /// Of a GroupNorm's input, outside the window.
        case sums(ChannelSums)
        case resized(from: Place, to: Place)
        /// `[batch, tokens, channels]` of the whole map.
        case sequence(Tensor)
    }

    /// Σx and Σx² of each channel over some pixels.
    struct ChannelSums {
        let pixels: Int
        /// For each entry of a batch `[parts][2][channels]`.
        var sums: [[Double]]
    }

    init(region: MapRegion) {
        self.region = region
        place = Place(height: region.height, width: region.width, window: region.inner)
    }

    func place(height: Int, width: Int) -> Place {
        Place(height: height, width: width, window: region.window(height: height, width: width))
    }

    /// The window of a map of that size which the followers take as input.
    public func window(height: Int, width: Int) -> MapWindow { region.window(height: height, width: width) }
}

/// How a `Compute` treats feature maps.
enum MapScope {
    /// As they are.
    case whole
    /// As they are, keeping what followers will need.
    case recording(KnownActivations)
    /// The window of each, with what is known around it. `next`: the entry that comes next.
    case following(KnownActivations, next: Int)
}
