internal import Masking
public import Raster

/// The pictures of an edit, at the depth and layout of the source, one for each seed.
public struct EditResult: Sendable {
    public let pictures: [Picture]
    /// What was done; `nil` where nothing was to be done and the picture is the input's.
    public let plan: EditPlan?

    /// Composites the patches of an edit.
    init(patches: [RGBImage], plan: EditPlan, inputs: EditInputs) {
        self.plan = plan
        guard let source = inputs.picture, let crop = plan.crop else {
            pictures = patches.map { Picture($0) }
            return
        }
        var composite = plan.settings.composite
        composite.wraps = plan.wraps
        // Without a mask there is no known surrounding to match the patch to.
        if inputs.mask == nil, composite.mode == .seamless { composite.mode = .paste }
        let blend = plan.settings.blend
        var mask = (inputs.mask ?? .uniform(1, size: source.size))
            .repeating(along: plan.wraps, reach: blend) { $0.blended(outward: blend) }
        if let protected = inputs.protected { mask = mask.subtracting(protected) }
        let chroma = plan.settings.keepsGray ? ChromaRange(source, mask: inputs.mask) : nil
        pictures = patches.map { patch in
            composite.applied(patch: chroma?.applied(to: patch) ?? patch, at: crop.crop, mask: mask, to: source)
                .rolled(x: -inputs.roll.x, y: -inputs.roll.y)
        }
    }

    /// Pictures that are finished, one for each seed.
    init(_ pictures: [Picture], plan: EditPlan) {
        self.pictures = pictures
        self.plan = plan
    }

    /// The input as it is.
    init(unchanged picture: Picture) {
        pictures = [picture]
        plan = nil
    }
}
