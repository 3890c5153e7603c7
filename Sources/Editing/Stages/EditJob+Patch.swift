internal import Diffusion
internal import Masking
package import Raster

extension EditJob {
    /// What the edit would put back into its picture, before anything is fitted to what is around it: for measuring ways
    /// to do that. Of one seed, and of an edit that is not worked in pieces; writes nothing.
    package func patch(
        randomSeed: UInt64, model: any PictureModel
    ) throws -> (patch: RGBImage, place: PixelRect) {
        let inputs = try EditInputs(request)
        let settings = ResolvedSettings(for: request, facts: model.facts, randomSeed: randomSeed)
        let plan = try EditPlan(request, inputs: inputs, model: model, settings: settings)
        guard let picture = inputs.picture, inputs.mask != nil, let mask = plan.denoiseMask, let hole = plan.hole,
            let crop = plan.crop
        else { preconditionFailure("an edit of a picture in one piece, under a mask") }
        let runner = PassRunner(
            plan: plan, model: model, meter: ProgressMeter(observe: { _ in }), colorSpace: inputs.colorSpace,
            prompt: request.prompt, prefill: Prefill(plan))
        var patches: [RGBImage] = []
        try runner.patches(of: picture, mask: mask, hole: hole, crop: crop, hasMask: true) { patches.append($0) }
        return (patches[0], crop.crop)
    }
}
