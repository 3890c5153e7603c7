// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the project builds with: language mode 6, explicit existentials, imports that do not
/// leak, and warnings that stop the build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// The same for the targets that hold unsafe code: every unsafe use is marked in the source.
let strictUnsafe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Tests wait for what they test, and compute little themselves: optimising them takes half as long as optimising all that
/// they test, for each build that they are part of. The build indexes them to find tests of XCTest; an index of the
/// system's modules would take longer than that of the tests.
let tests: [SwiftSetting] = strict + [.unsafeFlags(["-Onone", "-index-ignore-system-modules"])]

/// The sanitizer that the package is built for (scripts/sanitize), if any.
let sanitizer = Context.environment["EDITOR_SANITIZER"]

let package = Package(
    name: "editor",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "editor", targets: ["editor"]),
        .library(name: "Editing", targets: ["Editing"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // Libraries of the system.
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
        .systemLibrary(name: "CLCMS", pkgConfig: "lcms2", providers: [.apt(["liblcms2-dev"]), .brew(["little-cms2"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebpmux", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
        .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
        .systemLibrary(
            name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"]), .brew(["freetype"])]),
        .systemLibrary(
            name: "CHarfBuzz", pkgConfig: "harfbuzz", providers: [.apt(["libharfbuzz-dev"]), .brew(["harfbuzz"])]),
        .systemLibrary(
            name: "CFriBidi", pkgConfig: "fribidi", providers: [.apt(["libfribidi-dev"]), .brew(["fribidi"])]),
        .systemLibrary(name: "CRaqm", pkgConfig: "raqm", providers: [.apt(["libraqm-dev"]), .brew(["libraqm"])]),
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),

        // C.
        .target(name: "CParallel", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        .target(
            name: "CImageIO", dependencies: ["CPNG", "CJPEG", "CLCMS", "CWebP", "CTIFF", "CParallel"],
            linkerSettings: ["png", "jpeg", "z", "lcms2", "webp", "webpmux", "webpdemux", "tiff"].map {
                .linkedLibrary($0)
            } + [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        .target(
            name: "CKernels", dependencies: ["COneDNN", "CParallel"],
            // On Linux it is loaded when it is needed (onednn.h).
            linkerSettings: [.linkedLibrary("dnnl", .when(platforms: [.macOS]))]),

        .target(
            name: "CTypeface", dependencies: ["CFreeType", "CHarfBuzz", "CFriBidi", "CRaqm"],
            linkerSettings: ["raqm", "fribidi", "harfbuzz", "freetype"].map { .linkedLibrary($0) }),

        .target(name: "CBundledModel", exclude: ["model"]),

        .target(name: "CTransfer", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),

        // What a process that ends at once undoes.
        .target(name: "CleanUp", swiftSettings: strict),

        // The threads that work runs on, and what stops it.
        .target(name: "Parallel", dependencies: ["CParallel"], swiftSettings: strictUnsafe),

        // The stages of an edit.
        .target(name: "PlainText", swiftSettings: strictUnsafe),
        .target(name: "Raster", dependencies: ["Parallel"], swiftSettings: strict),
        .target(
            name: "ImageFiles", dependencies: ["CleanUp", "PlainText", "Raster", "CImageIO"],
            swiftSettings: strictUnsafe),
        .target(
            name: "Masking", dependencies: ["Parallel", "PlainText", "Raster", "CTypeface"],
            swiftSettings: strictUnsafe),
        .target(
            name: "Tensors", dependencies: ["CleanUp", "Parallel", "PlainText", "CKernels", "CParallel"],
            swiftSettings: strictUnsafe),
        .target(
            name: "Diffusion", dependencies: ["CleanUp", "PlainText", "Raster", "Tensors", "CBundledModel"],
            swiftSettings: strict),
        .target(
            name: "Editing",
            dependencies: [
                "CleanUp", "PlainText", "Raster", "ImageFiles", "Masking", "Diffusion", "Tensors", "CParallel",
                "Parallel", "CTransfer",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "editor",
            dependencies: [
                "CleanUp", "Editing", "Parallel", "PlainText", "Raster", "ImageFiles", "Masking", "Diffusion",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .executableTarget(
            name: "kernel-benchmarks", dependencies: ["CKernels", "CParallel"], path: "Benchmarks/Kernels",
            swiftSettings: strict),

        .executableTarget(
            name: "seam-benchmarks", dependencies: ["Diffusion", "Editing", "ImageFiles", "Masking", "Raster"],
            path: "Benchmarks/Seams", swiftSettings: strict),

        .executableTarget(
            name: "stop-benchmarks",
            dependencies: ["Diffusion", "Editing", "ImageFiles", "Masking", "Parallel", "Raster"],
            path: "Benchmarks/Stops", swiftSettings: strict),

        // Tests.
        .target(name: "TestSupport", dependencies: ["Raster"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "ParallelTests", dependencies: ["Parallel"], swiftSettings: tests),
        .testTarget(name: "PlainTextTests", dependencies: ["PlainText"], swiftSettings: tests),
        .testTarget(
            name: "ImageFilesTests", dependencies: ["ImageFiles", "PlainText", "Raster", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "MaskingTests", dependencies: ["Masking", "PlainText", "Raster", "TestSupport"], swiftSettings: tests
        ),
        .testTarget(
            name: "TensorsTests", dependencies: ["Tensors", "Parallel", "CKernels", "CParallel", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "DiffusionTests",
            dependencies: ["Diffusion", "ImageFiles", "Parallel", "PlainText", "Raster", "Tensors", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "EditingTests",
            dependencies: [
                "CleanUp", "Editing", "Diffusion", "Parallel", "PlainText", "Raster", "ImageFiles", "Masking",
                "CTransfer",
                "TestSupport",
            ],
            swiftSettings: tests),
        .testTarget(
            name: "EditorTests",
            dependencies: [
                "editor", "Diffusion", "Editing", "ImageFiles", "Masking", "PlainText", "Raster", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Help"],
            swiftSettings: tests),
    ],
    cLanguageStandard: .gnu2x
)

// What no test under a sanitizer runs. That for threads has nothing to see in the program, nor in tests of what has no
// threads.
if let sanitizer {
    var others = ["kernel-benchmarks", "seam-benchmarks", "stop-benchmarks"]
    if sanitizer == "thread" {
        others += ["editor", "EditorTests", "ImageFilesTests", "PlainTextTests"]
        package.products.removeAll { $0.name == "editor" }
        package.dependencies = []
    }
    package.targets.removeAll { others.contains($0.name) }
}
