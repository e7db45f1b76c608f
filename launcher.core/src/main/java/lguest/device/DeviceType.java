package lguest.device;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.osgi.annotation.bundle.Capability;
import org.osgi.service.component.annotations.ComponentPropertyType;

/**
 * Service properties of a {@link DeviceProvider}: {@code lguest.device.type}, {@code lguest.device.option} and {@code lguest.device.about}. A bundle built with bnd also says by it, as a capability
 * of namespace {@code lguest.device} with the attribute {@code type}, what it brings, so that a resolver finds the bundles for the types somebody wants.
 */
@Capability(namespace = "lguest.device", attribute = "type=${#type}")
@ComponentPropertyType
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.CLASS)
public @interface DeviceType {
  String PREFIX_ = "lguest.device.";

  /** The type's name, such as {@code block}. */
  String type();

  /** Command-line options that ask for such a device, written as usage shows them without dashes: {@code block=<filename>}. What follows the = becomes {@link DeviceConfig#argument}. */
  String[] option() default {};

  /** One line about it, for help. */
  String about() default "";
}
