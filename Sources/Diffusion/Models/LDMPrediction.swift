internal import PlainText
internal import Tensors

/// What the denoiser of an original checkpoint predicts, and how that was told.
///
/// In this order: the file's metadata (`modelspec.prediction_type`, `modelspec.predict_key`); a tensor named `v_pred`;
/// SD 1.x, XL and inpainting models predict noise; `global_step` 875000 is SD 2.0 base (diffusers 0.42.1,
/// `_legacy_load_scheduler`); else, for SD 2.x, the spread of the last transformer's first norm, which is larger in models
/// that predict velocity (ComfyUI, `comfy/supported_models.py`, class `SD20`, limit 0.09). diffusers takes velocity
/// without looking; AUTOMATIC1111 runs the network once to see (`is_using_v_parameterization_for_sd2`).
struct LDMPrediction {
    let value: SchedulerConfiguration.Prediction
    /// A phrase.
    let reason: String

    private static let velocitySpread: Float = 0.09

    init(_ source: any WeightSource, hints: [String: String], denoiser: LDMDenoiser, isSecondFamily: Bool) {
        var stated = hints["modelspec.prediction_type"] ?? hints["modelspec.predict_key"]
        if stated?.isTooLongForName == true { stated = nil }
        if let stated, stated == "v" || stated.hasPrefix("v_") || stated.hasPrefix("v-") {
            (value, reason) = (.velocity, "as the file's metadata says")
        } else if let stated, stated.hasPrefix("eps") {
            (value, reason) = (.epsilon, "as the file's metadata says")
        } else if source.tensor("v_pred") != nil || source.unusableElementType("v_pred") != nil {
            (value, reason) = (.velocity, "as its tensor v_pred says")
        } else if !isSecondFamily {
            (value, reason) = (.epsilon, "as all of its family do")
        } else if denoiser.inChannels != 4 {
            (value, reason) = (.epsilon, "as inpainting models of its family do")
        } else if hints["global_step"]?.hasSameBytes(as: "875000") == true {
            (value, reason) = (.epsilon, "as its step count, 875000, is that of SD 2.0 base")
        } else if let norm = denoiser.lastNorm.flatMap({ source.tensor($0) }), norm.count > 0 {
            let values = norm.floats()
            let mean = values.reduce(0, +) / Float(values.count)
            let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)).squareRoot()
            let isVelocity = spread > Self.velocitySpread
            value = isVelocity ? .velocity : .epsilon
            reason = "judged by its weights, as the file does not say"
        } else {
            (value, reason) = (.velocity, "assumed, as the file does not say")
        }
    }
}
