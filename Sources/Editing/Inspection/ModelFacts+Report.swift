internal import Diffusion
internal import PlainText

extension ModelFacts {
    /// What there is to say of a model.
    var entries: [FileReport.Entry] {
        let size = "\(nativeSize)×\(nativeSize) pixels, sides in multiples of \(pixelMultiple)"
        let latents =
            "\(latentChannels.of("channel")) at 1/\(scaleFactor) of the size, \(inputChannels) into the network"
        let count = Figures.count(parameters)
        var entries: [FileReport.Entry] = [
            .init(label: "model", text: name, name: "model", value: .text(name)),
            .init(label: "kind", text: family, name: "family", value: .text(family)),
            .init(label: "parameters", text: count, name: "parameters", value: .integer(parameters)),
            .init(label: "native size", text: size, name: "nativeSize", value: .integer(nativeSize)),
            .init(label: "latents", text: latents, name: "latentChannels", value: .integer(latentChannels)),
            .init(
                label: "inpainting", text: isInpainting ? "made for it" : "by holding the known latents",
                name: "isInpainting", value: .flag(isInpainting)),
            .init(
                label: "prediction",
                text: prediction.rawValue + (predictionReason.map { ", \($0)" } ?? ""), name: "prediction",
                value: .text(prediction.rawValue)),
        ]
        if let fewSteps {
            let guidance = fewSteps.guidance == 1 ? "no guidance" : "guidance \(fewSteps.guidance)"
            entries.append(
                .init(
                    label: "distilled",
                    text: "\(fewSteps.kind.rawValue), \(fewSteps.reason): \(fewSteps.steps.of("step")), \(guidance)",
                    name: "distilled", value: .text(fewSteps.kind.rawValue)))
        }
        if let summary { entries.append(.init(label: "about", text: summary, name: "summary", value: .text(summary))) }
        if let sampler {
            entries.append(
                .init(label: "sampler", text: sampler.rawValue, name: "sampler", value: .text(sampler.rawValue)))
        }
        return entries
    }
}
